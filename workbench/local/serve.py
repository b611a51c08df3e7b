"""`ofn serve`: run the local stack until Ctrl-C and print what happens."""

from __future__ import annotations

import json
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console

from openfn.storage import secrets as secret_cache
from openfn.storage.services import Services
from workbench.errors import CommandError
from workbench.local import aws_endpoint, data_folder, secret_files
from workbench.local.aws_signature import ACCESS_KEY
from workbench.local.destination import Destination, run_destination
from workbench.local.log_view import LogView
from workbench.local.reload import watching
from workbench.local.secret_files import Secrets
from workbench.local.stack import Stack, create_in_folder, create_stack
from workbench.project.yaml_source import ProjectProblems
from workbench.store.services import LocalServices
from workbench.store.stack_template import REGION

_EXPIRY_SECONDS = 600


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


def serve(options: Options, console: Console) -> None:
    """Run a project's stack until SIGINT or SIGTERM."""
    _require_free_port("--port", options.port, host=options.host)
    if options.aws_port is not None:
        _require_free_port("--aws-port", options.aws_port, other=options.port)
    secret_files.read_credentials(options.project, options.credentials)
    with ExitStack() as context:
        with console.status("starting the stack from template.yaml …"):
            session = _open(context, options, console)
        _run(context, session)
        _wait_for_signal()
    end = f"The data is in {options.data}." if options.data else "The data in memory is gone."
    console.print(f"Stopped. {end}", soft_wrap=True)


def _open(context: ExitStack, options: Options, console: Console) -> _Session:
    log_view = LogView(console)
    if options.data:
        context.enter_context(data_folder.opened(options.data))
    create_resources = partial(create_in_folder, options.data)
    stack = context.enter_context(
        create_stack(
            options.project,
            log_view.print_log_line,
            create_resources=create_resources,
            workers=True,
        )
    )
    destination = context.enter_context(run_destination(log_view.print_received))
    return _Session(options, console, stack, destination)


def _run(context: ExitStack, session: _Session) -> None:
    """Run a stack's servers and queues in the background and print how to use them."""
    options, console, stack = session.options, session.console, session.stack
    generated, inbox_secrets = session.set_secrets()
    serving = stack.serving(options.port, options.host, options.public_url)
    urls = context.enter_context(serving)
    context.enter_context(stack.running())
    context.enter_context(_expiring(stack.services))
    context.enter_context(watching([options.project, options.credentials], session.reload))
    _print_urls(console, urls)
    _serve_aws(context, options, console, stack)
    for name, body in inbox_secrets.items():
        console.print(f"The inbox secret {name} is {json.dumps(body)}\n", markup=False)
    url = session.destination.url
    _print_missing_credentials(console, options.credentials, generated, url)
    _print_data(console, options.data)


@dataclass(slots=True)
class _Session:
    """A running stack, whose project and credentials are loaded again when they change."""

    options: Options
    console: Console
    stack: Stack
    destination: Destination

    def set_secrets(self) -> tuple[Secrets, Secrets]:
        """Store all secrets; return those that were generated, for jobs and for inboxes."""
        options = self.options
        secrets = secret_files.read_credentials(options.project, options.credentials)
        generated = secret_files.generate_credentials(
            options.project, secrets, self.destination.url
        )
        for name, body in {**secrets, **generated}.items():
            self.stack.set_credential(name, body)
        inbox_secrets = secret_files.read_inbox_secrets(
            options.project, options.credentials / "inboxes"
        )
        for name, body in inbox_secrets.items():
            self.stack.set_inbox_secret(name, body)
        secret_cache.clear_cache()
        return generated, inbox_secrets

    def reload(self) -> None:
        """Load the saved project; keep the loaded one and print the problems if it is invalid."""
        before = set(self.stack.inbox_ids)
        try:
            self.stack.versions.reload()
            self.set_secrets()
        except ProjectProblems as problems:
            for problem in problems.problems:
                self.console.print(str(problem), style="red", markup=False, soft_wrap=True)
            self.console.print("The project is not loaded. The version before stays in use.")
            return
        except (CommandError, OSError) as error:
            self.console.print(str(error), style="red", markup=False, soft_wrap=True)
            return
        self.console.print("Loaded the project again.")
        if new := set(self.stack.inbox_ids) - before:
            self.console.print(f"New inboxes: {', '.join(sorted(new))}. Restart to see their URLs.")


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


def _require_free_port(option: str, port: int, other: int = 0, host: str = "127.0.0.1") -> None:
    remedy = f"Choose another port with {option}; `{option} 0` picks a free one."
    if port and port == other:
        raise CommandError(f"Port {port} is used twice. {remedy}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise CommandError(f"Port {port} needs administrator rights. {remedy}") from None
        except OSError:
            raise CommandError(f"Port {port} is in use by another program. {remedy}") from None


def _print_urls(console: Console, urls: Mapping[str, str]) -> None:
    console.print("\n[bold]Inboxes[/bold] of this machine")
    for name, url in urls.items():
        console.print(f"  {name:<14} {url}", soft_wrap=True)
    console.print("")


def _print_data(console: Console, data: Path | None) -> None:
    stored = f"Data is stored in {data}." if data else "Data is in memory only."
    console.print(f"{stored} Press Ctrl-C to stop.\n", soft_wrap=True)


def _print_missing_credentials(
    console: Console, directory: Path, generated: Secrets, url: str
) -> None:
    local = [name for name, body in generated.items() if url in body.values()]
    unreachable = [name for name in generated if name not in local]
    for names, target in (
        (local, "the built-in destination, which prints what it receives"),
        (unreachable, "an address that does not exist"),
    ):
        if names:
            console.print(
                f"No {directory / names[0]}.json: data for {', '.join(names)} goes to {target}. "
                f"Write the file with `ofn credential set {names[0]} --local`.\n",
                markup=False,
                soft_wrap=True,
            )


def _wait_for_signal() -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()
