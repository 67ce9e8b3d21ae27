"""Back-off: client-go's sequence, with an injected clock and random source."""

from random import Random

from kube_informer.backoff import Backoff, BackoffPolicy


class Fixed(Random):
    """A random source that always returns one number."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self._value = value

    def random(self) -> float:
        return self._value


def delays(backoff: Backoff, count: int) -> list[float]:
    return [backoff.next() for _ in range(count)]


def test_default_sequence_doubles_from_800_ms_to_a_cap_of_30_s():
    backoff = Backoff(random=Fixed(0.0))
    assert [0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0] == delays(backoff, 8)


def test_jitter_adds_up_to_as_much_again():
    backoff = Backoff(random=Fixed(0.5))
    assert [1.2000000000000002, 2.4000000000000004, 4.800000000000001] == delays(backoff, 3)


def test_health_starts_the_sequence_anew():
    backoff = Backoff(random=Fixed(0.0))
    assert [0.8, 1.6] == delays(backoff, 2)
    backoff.reset()
    assert [0.8, 1.6] == delays(backoff, 2)


def test_no_delay_is_longer_than_the_cap_but_for_its_jitter():
    backoff = Backoff(BackoffPolicy(initial_s=200.0, cap_s=400.0), random=Fixed(0.0))
    assert [200.0, 400.0, 400.0] == delays(backoff, 3)


def test_a_delay_is_at_least_the_servers_retry_after():
    backoff = Backoff(random=Fixed(0.0))
    assert 7.0 == backoff.next(at_least_s=7.0)
    assert 1.6 == backoff.next(at_least_s=1.0)
