"""Commands whose options may stand among their other arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

import click


class OptionsAnywhere(click.Command):
    """Puts the options first, each with its value, and the other words behind them; what follows `--` is words."""

    def is_option(self, arg: str, options: Mapping[str, click.Parameter]) -> bool:
        """Whether the argument is an option, and not one of the words."""
        return arg.startswith("-")

    def ends_options(self, arg: str, words: Sequence[str]) -> bool:
        """Whether this argument and all behind it are words, after those that there are."""
        return False

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Sort the arguments, then parse them."""
        options = {name: option for option in self.get_params(ctx) for name in option.opts}
        ours: list[str] = []
        words: list[str] = []
        left = iter(args)
        for arg in left:
            if arg == "--":
                words += left
            elif self.ends_options(arg, words):
                words += [arg, *left]
            elif not self.is_option(arg, options):
                words.append(arg)
            else:
                ours.append(arg)
                option = options.get(arg)
                if isinstance(option, click.Option) and not option.is_flag and not option.count:
                    value = list(islice(left, 1))
                    if not value:
                        return super().parse_args(ctx, ours)  # which says that one is missing
                    ours += value
        return super().parse_args(ctx, [*ours, "--", *words])
