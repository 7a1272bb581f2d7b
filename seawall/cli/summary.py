"""The output after an update, a preview or a smoke test, as text and as JSON."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from seawall.engine.update import UpResult
from seawall.ops.deployment import Target
from seawall.ops.release import Released
from seawall.ops.smoke import Answer

__all__ = [
    "answer_line",
    "answers_as_json",
    "print_preview",
    "print_released",
    "released_as_json",
    "update_as_json",
]

_FIELDS = 4


def print_released(target: Target, done: Released) -> None:
    """Print the answers, the endpoints and commands to try next."""
    console = Console(soft_wrap=True, highlight=False, markup=False)
    for line in (*target.engine.programs.lines(), done.update.line(), *done.notes):
        console.print(line)
    for answer in done.answers:
        console.print(answer_line(answer))
    console.print()
    console.print(f"gateway      {done.gateway_url}/v1   (OpenAI-compatible)")
    for name, url in done.admin_urls.items():
        console.print(f"simulator    {url}   (makes provider {name} fail)")
    if target.key_file.exists():
        console.print(f"API key      {target.key_file}")
    console.print(f"kubeconfig   {target.kubeconfig}")
    console.print("\nTry next:")
    for hint in _hints(target, done):
        console.print(f"  {hint}")


def print_preview(target: Target, seen: UpResult) -> None:
    """Print every change with the fields that differ, and the counts."""
    console = Console(soft_wrap=True, highlight=False, markup=False)
    for line in target.engine.programs.lines():
        console.print(line)
    if seen.steps:
        table = Table(title=Text(f"what `seawall up {target.env}` would do"), title_justify="left")
        for column in ("change", "resource", "fields that differ"):
            table.add_column(column, overflow="fold")
        for step in seen.steps:
            more = len(step.fields) - _FIELDS
            fields = ", ".join(step.fields[:_FIELDS]) + (f" and {more} more" if more > 0 else "")
            table.add_row(Text(step.op), Text(step.resource), Text(fields))
        console.print(table)
    console.print(seen.line())


def answer_line(answer: Answer) -> str:
    """One completion in one line; white space and control characters become single spaces."""
    text = "".join(character if character.isprintable() else " " for character in answer.text)
    words = " ".join(text.split())
    return f"{answer.kind} answer from {answer.provider} in {answer.took_ms:.0f} ms: {words}"


def answers_as_json(answers: Sequence[Answer]) -> list[dict[str, object]]:
    """Completions as JSON."""
    return [
        {
            "kind": answer.kind,
            "provider": answer.provider,
            "took_ms": round(answer.took_ms, 1),
            "text": answer.text,
        }
        for answer in answers
    ]


def update_as_json(update: UpResult) -> dict[str, object]:
    """The counts and steps of an update or a preview, as JSON."""
    return {
        "changes": dict(update.changes),
        "changed": update.changed,
        "recovered": update.recovered,
        "steps": [
            {"op": step.op, "resource": step.resource, "fields": list(step.fields)}
            for step in update.steps
        ],
    }


def released_as_json(target: Target, done: Released) -> dict[str, object]:
    """A release as JSON; the API key stays in its file."""
    return {
        "env": target.env,
        "update": update_as_json(done.update),
        "answers": answers_as_json(done.answers),
        "gateway_url": f"{done.gateway_url}/v1",
        "simulator_admin_urls": dict(done.admin_urls),
        "images": dict(done.images),
        "key_file": target.key_file if target.key_file.exists() else None,
        "kubeconfig": target.kubeconfig,
        "notes": done.notes,
    }


def _hints(target: Target, done: Released) -> list[str]:
    hints: list[str] = []
    if done.answers and target.reachable:
        key = f'"Authorization: Bearer $(cat {target.key_file})"'
        question = '{"model": "fast", "messages": [{"role": "user", "content": "How are you?"}]}'
        hints.append(f"curl {done.gateway_url}/v1/chat/completions -H {key} -d '{question}'")
    elif target.own:
        command = f"SEAWALL_ENV={target.env} .venv/bin/seawall kubectl"
        forward = "port-forward service/gateway 8080:80"
        hints.append(f"{command} {forward}   # then http://127.0.0.1:8080/v1")
    for name, admin in list(done.admin_urls.items())[: 1 if target.reachable else 0]:
        fault = '{"kind": "status", "code": 500}'
        hints.append(f"curl -X PUT {admin}/fault -d '{fault}'   # {name} fails: ask again")
        hints.append(f"curl -X DELETE {admin}/fault   # {name} answers again")
    hints += [f".venv/bin/seawall status {target.env}", f".venv/bin/seawall preview {target.env}"]
    if target.own:
        hints += [".venv/bin/seawall cluster status", "make down"]
    return hints
