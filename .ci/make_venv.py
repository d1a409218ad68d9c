"""Makes the virtual environment of the Makefile: `python3 make_venv.py .venv`.

Runs under whatever `python3` there is, so that it can say what is missing.
"""

import os
import shutil
import subprocess
import sys

OLDEST = (3, 11)


def main(folder):
    """Make the environment with the first Python that is new enough, or say what to install."""
    python = new_enough_python()
    if python is None:
        return "toolrun needs Python >= %d.%d; this is %s. On Debian 12 or later: apt install python3" % (
            OLDEST + (sys.version.split()[0],)
        )
    if run(python, "-m", "venv", "--clear", folder, quiet=True):
        return None
    if install_venv() and run(python, "-m", "venv", "--clear", folder):
        return None
    shutil.rmtree(folder, ignore_errors=True)
    return "This Python cannot make a virtual environment. On Debian: apt install python3-venv"


def new_enough_python():
    """This Python if it will do, else the newest `python3.N` on the path that will."""
    if sys.version_info >= OLDEST:
        return sys.executable
    names = ("python3.%d" % minor for minor in range(19, OLDEST[1] - 1, -1))
    return next(filter(None, map(shutil.which, names)), None)


def install_venv():
    """Debian keeps `ensurepip` in a package of its own; install it where that is allowed."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return False
    package = "python%d.%d-venv" % sys.version_info[:2]
    run("apt-get", "update", "-qq")
    return any(run("apt-get", "install", "-y", "-qq", name, quiet=True) for name in (package, "python3-venv"))


def run(*command, quiet=False):
    """True if the command ended well."""
    output = subprocess.DEVNULL if quiet else None
    return subprocess.call(command, stdout=output, stderr=output) == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
