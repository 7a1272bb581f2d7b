"""What a person sees after `up`."""

from rich.console import Console

from seawall.kit import Kit
from seawall.local import LocalUp

__all__ = ["print_up"]


def print_up(kit: Kit, up: LocalUp) -> None:
    """The answers, the endpoints and what to try next."""
    console = Console(soft_wrap=True, highlight=False)
    for line in up.engine_lines:
        console.print(line)
    console.print(up.update.line())
    for answer in up.answers:
        console.print(
            f"{answer.kind} answer from {answer.provider} in {answer.took_ms:.0f} ms: {answer.text}"
        )
    console.print()
    console.print(f"gateway      {up.gateway_url}   (OpenAI-compatible)")
    for name, url in up.admin_urls.items():
        console.print(f"simulator    {url}   (tell provider {name} to fail)")
    console.print(f"API key      {up.key_file}")
    console.print(f"kubeconfig   {kit.cluster().kubeconfig}")
    admin = next(iter(up.admin_urls.values()))
    console.print("\nTry next:")
    for hint in (
        f'curl {up.gateway_url}/models -H "Authorization: Bearer $(cat {up.key_file})"',
        f'curl -X PUT {admin}/fault -d \'{{"kind": "status", "code": 500}}\'   # ask again',
        ".venv/bin/seawall kubectl -n seawall get pods",
        ".venv/bin/seawall cluster status",
        "make down",
    ):
        console.print(f"  {hint}")
