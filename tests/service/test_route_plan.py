"""The order of a model's targets: properties in random situations, and each rule alone."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import pytest

from service.resilience.latency_tracker import HALF_LIFE_S, Load
from service.resilience.load_balancing import Plan, plan
from service.resilience.provider_quota import ProviderQuota


@dataclass
class Standing:
    name: str
    priority: int = 0
    weight: float | None = None
    lacks: frozenset[str] = frozenset()
    available: bool = True
    retry_in_s: float = 0.0
    limited: bool = False
    in_flight: int = 0
    expected_s: float | None = None

    @property
    def identity(self) -> bytes:
        return self.name.encode()


def seeded(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - the same numbers in every run


def planned(
    *candidates: Standing,
    needs: Sequence[str] = (),
    affinity: bytes | None = None,
    chance: Random | None = None,
) -> Plan[Standing]:
    given = sorted(candidates, key=lambda one: one.priority)
    number = (chance or seeded(1)).random
    return plan(given, needs=frozenset(needs), affinity=affinity, random=number)


def names(found: Plan[Standing]) -> str:
    return "".join(one.name for one in (*found.ready, *found.resort))


def situation(chance: Random) -> list[Standing]:
    weighted = [chance.random() < 0.3 for _ in range(3)]
    return [
        Standing(
            name,
            priority := chance.randrange(3),
            weight=chance.choice([0.0, 1.0, 9.0]) if weighted[priority] else None,
            lacks=frozenset(chance.sample(["tools", "images"], chance.randrange(3))),
            available=chance.random() < 0.7,
            retry_in_s=chance.random(),
            limited=chance.random() < 0.3,
            in_flight=chance.randrange(20),
            expected_s=chance.choice([None, 0.0, chance.random()]),
        )
        for name in "abcdef"[: chance.randrange(1, 7)]
    ]


@pytest.mark.parametrize("seed", range(4))
def test_plan_contains_each_capable_target_once_in_ranked_order(seed: int) -> None:
    chance = seeded(seed)
    for _ in range(500):
        given = situation(chance)
        needs = chance.sample(["tools", "images"], chance.randrange(3))
        affinity = chance.choice([None, chance.randbytes(20)])
        found = planned(*given, needs=needs, affinity=affinity, chance=chance)
        able = [one for one in given if not set(needs) & one.lacks] or given
        assert sorted(names(found)) == sorted(one.name for one in able)
        assert all(one.available for one in found.ready)
        assert not any(one.available for one in found.resort)
        ranks = [(one.limited, one.priority) for one in found.ready]
        assert ranks == sorted(ranks)
        waits = [one.retry_in_s for one in found.resort]
        assert waits == sorted(waits)


def test_targets_are_ordered_by_priority() -> None:
    assert names(planned(*(Standing(name, place) for place, name in enumerate("abc")))) == "abc"


def test_targets_without_a_needed_capability_are_skipped_unless_all_lack_it() -> None:
    lacking = Standing("a", 0, lacks=frozenset(("tools",)))
    assert names(planned(lacking, Standing("b", 1), needs=["tools"])) == "b"
    assert names(planned(lacking, Standing("b", 1), needs=["images"])) == "ab"
    alone = planned(lacking, Standing("b", 1, lacks=frozenset(("tools",))), needs=["tools"])
    assert names(alone) == "ab", "its provider says so better"


def test_weights_set_the_share_and_weight_zero_gets_no_requests() -> None:
    chance = seeded(2)
    pair = [Standing("a", weight=9), Standing("b", weight=1), Standing("c", weight=0)]
    firsts = Counter(names(planned(*pair, chance=chance))[0] for _ in range(2000))
    assert firsts["b"] / 2000 == pytest.approx(0.1, abs=0.02)
    assert firsts["c"] == 0
    assert names(planned(pair[2], Standing("d", weight=0))) == "cd", "nobody else is there"


def test_equal_prompts_share_a_target_and_prompts_spread_evenly() -> None:
    given = [Standing(name) for name in "abcd"]
    prompts = [f"prompt {number}".encode() for number in range(400)]
    homes = {prompt: names(planned(*given, affinity=prompt)) for prompt in prompts}
    for prompt, home in homes.items():
        chance = seeded(3)
        assert names(planned(*given, affinity=prompt, chance=chance)) == home, "no chance in it"
    share = Counter(home[0] for home in homes.values())
    assert len(share) == 4
    assert min(share.values()) > 60, share
    for prompt, home in homes.items():
        left = [one for one in given if one.name != "a"]
        assert names(planned(*left, affinity=prompt)) == home.replace("a", ""), "only a's move"


def test_preferred_target_above_its_share_in_flight_is_skipped() -> None:
    prompt = b"a prompt"
    first, second = names(planned(Standing("a"), Standing("b"), affinity=prompt))
    busy = Standing(first, in_flight=6)
    assert names(planned(busy, Standing(second, in_flight=3), affinity=prompt)) == first + second
    busy.in_flight = 7  # of eleven with this one, five and a half each: 1.25 times that is 7
    assert names(planned(busy, Standing(second, in_flight=3), affinity=prompt)) == second + first


def test_choice_of_two_weighs_latency_by_requests_in_flight() -> None:
    slow = Standing("a", expected_s=0.3)
    assert names(planned(slow, Standing("b", expected_s=0.1, in_flight=1))) == "ba"
    assert names(planned(slow, Standing("b", expected_s=0.1, in_flight=3))) == "ab"
    assert names(planned(Standing("c", in_flight=1), slow)) == "ac", "what is new is as the others"


def test_power_of_two_choices_limits_the_share_of_the_fastest_target() -> None:
    chance = seeded(4)
    given = [Standing(name, expected_s=0.1 * place) for place, name in enumerate("abcd", 1)]
    firsts = Counter(names(planned(*given, chance=chance))[0] for _ in range(1200))
    assert firsts["a"] / 1200 == pytest.approx(0.5, abs=0.06), "it is in half of the pairs"
    assert firsts["d"] == 0


def test_latency_estimate_follows_recent_answers_and_decays() -> None:
    now = [0.0]
    load = Load(lambda: now[0])
    assert load.expected_s is None
    load.note(1.0)
    for _ in range(20):
        load.note(0.1)
    assert load.expected_s == pytest.approx(0.11, abs=0.005)
    before = load.expected_s
    now[0] += HALF_LIFE_S
    assert load.expected_s == pytest.approx((before or 0) / 2)


def test_provider_quota_is_divided_by_replicas_and_refills() -> None:
    now = [1000.0]
    quota = ProviderQuota(600, 2, lambda: now[0])

    def at_once() -> int:
        for number in range(1000):
            if quota.exhausted:
                return number
            quota.count()
        return 1000

    assert at_once() == 30, "half of a tenth of a minute's 600"
    now[0] += 60
    sent = 0
    for _ in range(600):
        now[0] += 0.1
        sent += at_once()
    assert sent == pytest.approx(300 + 30, abs=2)
    now[0] += 60
    quota.share(1)
    assert at_once() == 60
