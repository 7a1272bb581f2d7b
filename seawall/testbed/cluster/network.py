"""The network of an embedded cluster: a switch, a cable per machine, an interface on the host.

The switch is a network namespace with only a bridge. A cable is a veth pair. The host gets one
interface and a few routes, but no bridge, no firewall rule and no forwarding. Namespaces are pinned
to files of the kit and not with `ip netns`, which would leave a mount behind on /run/netns.
"""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, TypeAdapter

from seawall.common.errors import HostError
from seawall.testbed.cluster.exec import attempt, run
from seawall.testbed.cluster.instance import Instance, read_note
from seawall.testbed.cluster.routes import in_the_way, routes

__all__ = ["Network"]

_SWITCH = "switch"


class _Link(BaseModel):
    flags: list[str]


_LINKS = TypeAdapter(list[_Link])


class Network:
    """Creates and removes the interfaces, routes and namespaces of one instance."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._pins = Path("/run/seawall") / instance.name
        self._leg = instance.leg

    def pin(self, machine: str) -> Path:
        """The file to which a machine's network namespace is pinned."""
        return self._pins / machine

    def inside(self, machine: str, argv: Sequence[str]) -> list[str]:
        """The command that runs `argv` in a machine's network namespace."""
        return ["nsenter", f"--net={self.pin(machine)}", *argv]

    def check_range_is_free(self) -> None:
        """Refuse when an existing route covers the addresses of the instance.

        Raises:
            HostError: names the route, its interface and, for a Seawall cluster, the checkout.
        """
        route = in_the_way(routes(), self._instance.network, leg=self._leg)
        if route:
            raise HostError(
                f"the address range {self._instance.network} is taken: {route.network} is routed"
                f" through {route.device}{_owner(route.device, self._instance.data.parent)};"
                " choose another range with SEAWALL_RANGE=<64 to 127> or remove that route"
            )

    def ensure_switch(self) -> None:
        """Create the bridge, the host's interface and the host's routes; existing ones are kept."""
        if not self._pinned(_SWITCH):
            self._make_namespace(_SWITCH)
            inside = self.inside
            # bridged frames must not pass any packet filter
            for kind in ("iptables", "ip6tables", "arptables"):
                attempt(inside(_SWITCH, ["sysctl", "-qw", f"net.bridge.bridge-nf-call-{kind}=0"]))
            run(inside(_SWITCH, ["ip", "link", "set", "lo", "up"]))
            run(inside(_SWITCH, ["ip", "link", "add", "br0", "type", "bridge"]))
            run(inside(_SWITCH, ["ip", "link", "set", "br0", "up"]))
        if not attempt(["ip", "link", "show", self._leg]):
            attempt(self.inside(_SWITCH, ["ip", "link", "del", "host"]))
            pin = str(self.pin(_SWITCH))
            run(["ip", "link", "add", self._leg, "type", "veth"] + ["peer", "host", "netns", pin])
            run(self.inside(_SWITCH, ["ip", "link", "set", "host", "master", "br0", "up"]))
            address = f"{self._instance.host_address}/24"
            run(["ip", "address", "replace", address, "dev", self._leg])
            run(["ip", "link", "set", self._leg, "up"])
        gateway = self._instance.address("cp")
        run(["ip", "route", "replace", self._instance.service_range, "via", gateway])
        for node in self._instance.node_machines:
            hop = self._instance.address(node)
            run(["ip", "route", "replace", self._instance.node_pod_range(node), "via", hop])

    def attach(self, machine: str) -> None:
        """Create a new network for a machine: cable to the switch, address, routes to the pods."""
        self.detach(machine)
        self._make_namespace(machine)
        port, pin = f"p-{machine}", str(self.pin(machine))
        in_switch, inside = self.inside, self.inside
        run(
            in_switch(
                _SWITCH,
                ["ip", "link", "add", port, "type", "veth", "peer", "name", "eth0"]
                + ["address", self._instance.mac(machine), "netns", pin],
            )
        )
        run(in_switch(_SWITCH, ["ip", "link", "set", port, "master", "br0", "up"]))
        own = f"{self._instance.address(machine)}/24"
        run(inside(machine, ["ip", "link", "set", "lo", "up"]))
        run(inside(machine, ["ip", "address", "add", own, "dev", "eth0"]))
        run(inside(machine, ["ip", "link", "set", "eth0", "up"]))
        gateway = self._instance.host_address
        run(inside(machine, ["ip", "route", "add", "default", "via", gateway]))
        settings = ["net.ipv4.ip_forward=1", "net.bridge.bridge-nf-call-iptables=1"]
        run(inside(machine, ["sysctl", "-qw", *settings]))
        for node in self._instance.node_machines:
            if node != machine:
                hop = self._instance.address(node)
                pods = self._instance.node_pod_range(node)
                run(inside(machine, ["ip", "route", "add", pods, "via", hop]))

    def cut(self, machine: str) -> None:
        """Disconnect a machine's cable at the switch; no process is notified."""
        run(self.inside(_SWITCH, ["ip", "link", "set", f"p-{machine}", "down"]))

    def mend(self, machine: str) -> None:
        """Reconnect the cable."""
        run(self.inside(_SWITCH, ["ip", "link", "set", f"p-{machine}", "up"]))

    def is_cut(self, machine: str) -> bool:
        """Whether a machine has a cable and the cable is disconnected."""
        if not self._pinned(_SWITCH):
            return False
        show = self.inside(_SWITCH, ["ip", "-j", "link", "show", f"p-{machine}"])
        seen = subprocess.run(show, capture_output=True, text=True, check=False)
        return seen.returncode == 0 and "UP" not in _LINKS.validate_json(seen.stdout)[0].flags

    def detach(self, machine: str) -> None:
        """Disconnect and remove a machine's network; nothing happens when there is none."""
        if self._pinned(_SWITCH):
            attempt(self.inside(_SWITCH, ["ip", "link", "del", f"p-{machine}"]))
        self._drop_namespace(machine)

    def remove(self) -> None:
        """Remove everything that exists of the network."""
        # Deleting the host's interface also removes its address and routes.
        attempt(["ip", "link", "del", self._leg])
        for pin in sorted(self._pins.glob("*")) if self._pins.is_dir() else []:
            if pin.suffix != ".lock":
                self._drop_namespace(pin.name)
        attempt(["rmdir", str(self._pins)])
        attempt(["rmdir", str(self._pins.parent)])

    def _make_namespace(self, name: str) -> None:
        pin = self.pin(name)
        pin.parent.mkdir(parents=True, exist_ok=True)
        pin.touch()
        run(["unshare", f"--net={pin}", "true"])

    def _drop_namespace(self, name: str) -> None:
        while self._pinned(name):
            run(["umount", str(self.pin(name))])
        self.pin(name).unlink(missing_ok=True)

    def _pinned(self, name: str) -> bool:
        return self.pin(name).exists() and attempt(["mountpoint", "-q", str(self.pin(name))])


def _owner(device: str, instances: Path) -> str:
    """The owner of a range, as text, if it is another checkout's cluster; otherwise empty."""
    note = read_note(instances / device.removesuffix("h"))
    return f" (the Seawall cluster of {note.checkout})" if note else ""
