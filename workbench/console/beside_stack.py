"""The console of `ofn serve`: a link on a terminal, and what `ofn console` needs for another."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from workbench.console import server
from workbench.local import data_folder
from workbench.local.serve import Options
from workbench.local.session import Session
from workbench.store.stack_template import STACK

_LINK_SECONDS = 24 * 3600


@contextmanager
def open_console(options: Options, session: Session, port: int) -> Iterator[str]:
    """Serve the console beside a stack; yield how to open it.

    The link is printed on a terminal only: a log would keep its key.
    """
    secret = data_folder.console_secret(options.data)
    with (
        server.serve(STACK, "local", secret, options.project, session.urls, port) as running,
        data_folder.announcing_console(options.data, running.url),
    ):
        if sys.stdout.isatty():
            link = running.create_link(_LINK_SECONDS)
            yield f"Console, opened once by this link (`ofn console` prints another)\n  {link}\n"
        else:
            yield f"Console at {running.url} (`ofn console` prints a link that opens it)\n"
