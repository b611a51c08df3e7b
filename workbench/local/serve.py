"""`ofn serve`: run the local stack until Ctrl-C and print what happens."""

from __future__ import annotations

import gc
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console

from openfn.storage.services import Services
from workbench.delayed_writes import delaying_writes
from workbench.local import aws_endpoint, data_folder, http_server, secret_files
from workbench.local.aws_signature import ACCESS_KEY
from workbench.local.log_view import LogView
from workbench.local.reload import watching
from workbench.local.session import Session
from workbench.local.stack import Stack, create_in_folder, create_stack
from workbench.local.stand_in.servers import StandIns
from workbench.stack import local
from workbench.store.services import LocalServices
from workbench.store.stack_template import REGION

_EXPIRY_SECONDS = 600
_GC_THRESHOLD = 20_000


@dataclass(frozen=True, slots=True)
class Options:
    """What `ofn serve` runs, and where."""

    project: Path
    credentials: Path
    data: Path | None
    """The folder of the data; `None` keeps it in memory."""
    port: int
    host: str
    public_url: str | None
    aws_port: int | None
    console_port: int | None
    """The port of the web console; `None` is the one after `port`, or a free one."""


OpenConsole = Callable[[Options, Session, int], AbstractContextManager[str]]
"""Serves the web console beside a stack on a port; yields how to open it."""


def serve(options: Options, console: Console, open_console: OpenConsole) -> None:
    """Run a project's stack and its web console until SIGINT or SIGTERM."""
    http_server.require_free("--port", options.port, host=options.host)
    console_port = http_server.choose_console_port(options.port, options.console_port)
    if options.aws_port is not None:
        http_server.require_free("--aws-port", options.aws_port, other=options.port)
    secret_files.read_credentials(options.project, options.credentials)
    with ExitStack() as context:
        with console.status("starting the stack from template.yaml …"):
            session = _open(context, options, console)
        _run(context, options, session)
        how_to_open = context.enter_context(open_console(options, session, console_port))
        console.print(how_to_open, soft_wrap=True, markup=False)
        _print_data(console, options.data)
        _tune_garbage_collection()
        _wait_for_signal()
    end = f"The data is in {options.data}." if options.data else "The data in memory is gone."
    console.print(f"Stopped. {end}", soft_wrap=True)


def _open(context: ExitStack, options: Options, console: Console) -> Session:
    log_view = LogView(console, context.enter_context(delaying_writes(console.file)))
    if options.data:
        context.enter_context(data_folder.opened(options.data))
        with suppress(OSError):  # the current folder may not be ours
            local.remember(options.data)
    create_resources = partial(create_in_folder, options.data)
    stack = context.enter_context(
        create_stack(
            options.project,
            log_view.print_log_line,
            create_resources=create_resources,
            workers=True,
        )
    )
    if not isinstance(stack.services, LocalServices):
        raise TypeError("`ofn serve` has its own store.")
    received, executing = stack.services.received, stack.versions.executing
    stand_ins = StandIns(context, received, executing, log_view.print_received, options.data)
    # New refresh tokens, which would be lost when the files are loaded again.
    prefix = stack.resources.functions["runner"].environment["CREDENTIALS_PREFIX"]
    write_back = partial(secret_files.write_back, options.credentials, prefix)
    stack.services.secrets.on_change.append(write_back)
    return Session(options.project, options.credentials, console, stack, stand_ins)


def _run(context: ExitStack, options: Options, session: Session) -> None:
    """Run a stack's servers and queues in the background and print how to use them."""
    console, stack = session.console, session.stack
    notes = session.set_secrets()
    served = context.enter_context(stack.serving_at(options.port, options.host))
    session.base_url = options.public_url or served
    context.enter_context(stack.running())
    context.enter_context(_expiring(stack.services))
    context.enter_context(watching([options.project, options.credentials], session.reload))
    console.print("\n[bold]Inboxes[/bold] of this machine")
    session.print_urls()
    console.print("")
    _serve_aws(context, options, console, stack)
    session.print_notes(notes)


@contextmanager
def _expiring(services: Services) -> Iterator[None]:
    """Delete what has expired, now and then, in the background."""
    stop = threading.Event()

    def loop() -> None:
        while isinstance(services, LocalServices):
            services.delete_expired()
            if stop.wait(_EXPIRY_SECONDS):
                return

    thread = threading.Thread(target=loop, name="expiry", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _serve_aws(context: ExitStack, options: Options, console: Console, stack: Stack) -> None:
    if options.aws_port is None:
        return
    key = data_folder.aws_key(options.data)
    endpoint = context.enter_context(aws_endpoint.serve_aws(stack.services, options.aws_port, key))
    console.print("[bold]AWS[/bold] for boto3 and the AWS CLI, in another terminal:")
    variables = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": key,
    }
    exports = " ".join(f"{name}={value}" for name, value in variables.items())
    console.print(f"  export {exports}\n", soft_wrap=True)


def _print_data(console: Console, data: Path | None) -> None:
    stored = f"Data is stored in {data}." if data else "Data is in memory only."
    console.print(f"{stored} Press Ctrl-C to stop.\n", soft_wrap=True)


def _tune_garbage_collection() -> None:
    """Collect garbage less often, and leave out what was created while the stack started."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD)


def _wait_for_signal() -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()
