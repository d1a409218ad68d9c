"""Makes the virtual environment of the Makefile: `python3 make_venv.py .venv`.

Runs under whatever `python3` there is, so that it can say what is missing. Debian ships `venv` without
`ensurepip` unless python3-venv is installed; then pip comes from get-pip, its authors' own bootstrap.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request

OLDEST = (3, 11)
GET_PIP = os.environ.get("GET_PIP_URL", "https://bootstrap.pypa.io/get-pip.py")


def main(folder):
    """Make the environment with the first Python that is new enough, or say what to install."""
    python = new_enough_python()
    if python is None:
        return "toolrun needs Python >= %d.%d; this is %s. On Debian 12 or later: apt install python3" % (
            OLDEST + (sys.version.split()[0],)
        )
    if run(python, "-m", "venv", "--clear", folder, quiet=True):
        return None
    if run(python, "-m", "venv", "--clear", "--without-pip", folder) and install_pip(folder):
        return None
    shutil.rmtree(folder, ignore_errors=True)
    return "This Python cannot make a virtual environment. On Debian: apt install python3-venv"


def new_enough_python():
    """This Python if it will do, else the newest `python3.N` on the path that will."""
    if sys.version_info >= OLDEST:
        return sys.executable
    names = ("python3.%d" % minor for minor in range(19, OLDEST[1] - 1, -1))
    return next(filter(None, map(shutil.which, names)), None)


def install_pip(folder):
    """Fetch get-pip and run it in the environment; False if it cannot be had."""
    with tempfile.NamedTemporaryFile(suffix=".py") as script:
        try:
            with urllib.request.urlopen(GET_PIP, timeout=60) as answer:
                script.write(answer.read())
        except OSError as error:
            print("no pip from %s: %s" % (GET_PIP, error), file=sys.stderr)
            return False
        script.flush()
        return run(os.path.join(folder, "bin", "python"), script.name, "--quiet")


def run(*command, quiet=False):
    """True if the command ended well."""
    output = subprocess.DEVNULL if quiet else None
    return subprocess.call(command, stdout=output, stderr=output) == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
