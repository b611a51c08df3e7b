"""A running local stack, whose project and credentials are loaded again when they change."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from openfn.storage import secrets as secret_cache
from workbench.errors import CommandError
from workbench.local import secret_files
from workbench.local.secret_files import Secrets
from workbench.local.stack import Stack
from workbench.local.stand_in.servers import StandIns
from workbench.project.yaml_source import ProjectProblems


@dataclass(slots=True)
class Session:
    """A stack with its built-in destinations, and what is printed about them."""

    project: Path
    credentials: Path
    """The folder with the files of the credentials."""
    console: Console
    stack: Stack
    stand_ins: StandIns
    base_url: str = ""
    """What the inboxes' URLs begin with, while they are served."""
    _noted: set[str] = field(default_factory=set)

    def set_secrets(self) -> list[str]:
        """Store all secrets; return a note for each that was generated since the last time."""
        secrets = secret_files.read_credentials(self.project, self.credentials)
        generated = self.stand_ins.credentials(self.project, secrets)
        for name, body in {**secrets, **generated}.items():
            self.stack.set_credential(name, body)
        inbox_secrets, generated_for_inboxes = secret_files.read_inbox_secrets(
            self.project, self.credentials / "inboxes", self.stack.inbox_secret
        )
        for name, body in {**inbox_secrets, **generated_for_inboxes}.items():
            self.stack.set_inbox_secret(name, body)
        secret_cache.clear_cache()
        notes = self._notes_on_inboxes(generated_for_inboxes) | self._notes_on_credentials(
            generated
        )
        new = notes.keys() - self._noted
        self._noted |= new
        return [note for name, note in notes.items() if name in new]

    def print_notes(self, notes: Iterable[str]) -> None:
        """Print notes with an empty line below each."""
        for note in notes:
            self.console.print(f"{note}\n", markup=False, soft_wrap=True)

    def urls(self) -> dict[str, str]:
        """Return the URLs of all inboxes by name."""
        return self.stack.urls(self.base_url)

    def print_urls(self, names: set[str] | None = None) -> None:
        """Print the URLs of all inboxes, or of some."""
        for name, url in self.urls().items():
            if names is None or name in names:
                self.console.print(f"  {name:<14} {url}", soft_wrap=True)

    def reload(self) -> None:
        """Load the saved project; keep the loaded one and print the problems if it is invalid."""
        before = set(self.stack.inbox_ids)
        try:
            self.stack.versions.reload()
            notes = self.set_secrets()
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
            self.console.print("[bold]New inboxes[/bold]")
            self.print_urls(new)
        self.print_notes(notes)

    def _notes_on_inboxes(self, generated: Secrets) -> dict[str, str]:
        return {
            f"inboxes/{name}": f"The inbox secret {name} is {json.dumps(body)}"
            for name, body in generated.items()
        }

    def _notes_on_credentials(self, generated: Secrets) -> dict[str, str]:
        return {
            name: f"No {self.credentials / name}.json: {self.stand_ins.describe(name)} Write the "
            f"file with `ofn credential set {name} --local`."
            for name in generated
        }
