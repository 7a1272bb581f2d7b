"""The truth table of the start rule: which pod starts as master, starts as replica, or waits."""

import pytest

from agents.redis.start_rule import Decision, Follow, Lead, Observation, Wait, decide

ME, B, C, D, E = (f"redis-{number}.x" for number in range(5))
OF_FIVE: dict[str, int | None] = {B: 0, C: 0, D: 0, E: 0}


def seen(
    votes: dict[str, str], *, data: bool = True, peers: dict[str, int | None] | None = None
) -> Observation:
    return Observation(
        me=ME, votes=votes, holds_data=data, peer_keys=peers if peers is not None else {B: 0, C: 0}
    )


@pytest.mark.parametrize(
    ("observation", "expected"),
    [
        pytest.param(seen({ME: B, C: B}), Follow(B), id="two agree on another: follow"),
        pytest.param(seen({ME: B, B: C, C: C}), Follow(C), id="the majority counts, not my own"),
        pytest.param(seen({ME: ME, B: ME}), Lead(), id="two agree on me and I hold data: lead"),
        pytest.param(
            seen({ME: ME, B: ME, C: ME}, data=False), Lead(), id="first start: everyone is empty"
        ),
        pytest.param(
            seen({ME: B, B: B, C: B, D: C, E: C}, peers=OF_FIVE), Follow(B), id="three of five"
        ),
        pytest.param(seen({ME: ME, D: ME, E: ME}, peers=OF_FIVE), Lead(), id="three of five: lead"),
    ],
)
def test_agreement_of_the_sentinels_decides_the_role(
    observation: Observation, expected: Decision
) -> None:
    assert decide(observation) == expected


@pytest.mark.parametrize(
    "observation",
    [
        pytest.param(seen({}), id="no sentinel answers"),
        pytest.param(seen({ME: ME}), id="only one sentinel answers"),
        pytest.param(seen({ME: ME, B: C}), id="they disagree"),
        pytest.param(seen({ME: ME, B: ME}, data=False, peers={B: 5, C: 0}), id="a peer has data"),
        pytest.param(
            seen({ME: ME, B: ME}, data=False, peers={B: None, C: 0}), id="a peer is silent"
        ),
        pytest.param(seen({ME: B, B: C, C: ME}), id="three opinions"),
        pytest.param(seen({ME: B, B: B}, peers=OF_FIVE), id="two of five that are cut off"),
        pytest.param(seen({ME: ME, B: ME, C: D, D: D}, peers=OF_FIVE), id="two pairs of five"),
    ],
)
def test_start_waits_without_agreement_or_when_data_would_be_lost(observation: Observation) -> None:
    decision = decide(observation)
    assert isinstance(decision, Wait)
    assert decision.why, "whoever reads the log must learn what is missing"
