"""The work queue: client-go's semantics."""

import threading

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kube_informer.workqueue import DefaultRateLimiter, ShutDownError, WorkQueue

PATIENCE_S = 10.0


class ManualClock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_key_added_twice_is_handed_out_once():
    queue = WorkQueue[str]()
    queue.add("a")
    queue.add("b")
    queue.add("a")
    assert ("a", "b", 0) == (queue.get(), queue.get(), len(queue))


def test_a_key_added_during_its_work_is_queued_again_when_done():
    queue = WorkQueue[str]()
    queue.add("a")
    queue.get()
    queue.add("a")
    queue.add("a")
    with pytest.raises(TimeoutError):
        queue.get(timeout=0.01)
    queue.done("a")
    assert "a" == queue.get(timeout=0.01)


def test_a_key_done_without_being_added_again_is_not_queued_again():
    queue = WorkQueue[str]()
    queue.add("a")
    queue.done(queue.get())
    with pytest.raises(TimeoutError, match="no key came within"):
        queue.get(timeout=0.01)


def test_get_waits_for_a_key():
    queue = WorkQueue[str]()
    timer = threading.Timer(0.05, lambda: queue.add("a"))
    timer.start()
    assert "a" == queue.get(timeout=PATIENCE_S)
    timer.join()


def test_a_delayed_key_comes_when_it_is_due_and_not_before():
    clock = ManualClock()
    queue = WorkQueue[str](clock=clock)
    queue.add_after("a", 5.0)
    clock.now += 4.9
    with pytest.raises(TimeoutError):
        queue.get(timeout=0)
    clock.now += 0.2
    assert "a" == queue.get(timeout=0)


@pytest.mark.parametrize("delays", [(5.0, 2.0), (2.0, 5.0)])
def test_a_key_delayed_twice_comes_once_at_the_earlier_time(delays):
    clock = ManualClock()
    queue = WorkQueue[str](clock=clock)
    for delay in delays:
        queue.add_after("a", delay)
    clock.now += 2.0
    assert "a" == queue.get(timeout=0)
    queue.done("a")
    clock.now += 10.0
    with pytest.raises(TimeoutError):
        queue.get(timeout=0)


def test_a_key_may_be_delayed_again_after_it_came():
    clock = ManualClock()
    queue = WorkQueue[str](clock=clock)
    for _ in range(2):
        queue.add_after("a", 2.0)
        clock.now += 2.0
        assert "a" == queue.get(timeout=0)
        queue.done("a")


def test_a_waiting_get_is_woken_by_a_key_that_comes_due():
    queue = WorkQueue[str]()
    queue.add_after("a", 0.05)
    assert "a" == queue.get(timeout=PATIENCE_S)


def test_a_delay_that_is_not_positive_is_none():
    queue = WorkQueue[str]()
    queue.add_after("a", 0)
    assert "a" == queue.get(timeout=0)


def test_shutting_down_hands_out_waiting_keys_and_then_raises():
    queue = WorkQueue[str]()
    queue.add("a")
    queue.shut_down()
    queue.add("b")
    assert "a" == queue.get()
    with pytest.raises(ShutDownError):
        queue.get()


def test_shutting_down_wakes_all_waiters():
    queue = WorkQueue[str]()
    timer = threading.Timer(0.05, queue.shut_down)
    timer.start()
    with pytest.raises(ShutDownError):
        queue.get(timeout=PATIENCE_S)
    timer.join()


def test_draining_waits_until_the_keys_being_processed_are_done():
    queue = WorkQueue[str]()
    queue.add("a")
    key = queue.get()
    assert not queue.shut_down_with_drain(timeout=0.02)
    timer = threading.Timer(0.05, lambda: queue.done(key))
    timer.start()
    assert queue.shut_down_with_drain(timeout=PATIENCE_S)
    timer.join()


def test_a_failing_key_waits_twice_as_long_each_time_until_forgotten():
    limiter = DefaultRateLimiter[str](clock=ManualClock())
    assert [0.005, 0.01, 0.02] == [limiter.when("a") for _ in range(3)]
    assert 3 == limiter.retries("a")
    limiter.forget("a")
    assert 0.005 == limiter.when("a")


def test_a_failing_key_never_waits_longer_than_the_cap():
    limiter = DefaultRateLimiter[str](cap_s=1.0, burst=5000, clock=ManualClock())
    assert 1.0 == max(limiter.when("a") for _ in range(2000))


def test_all_keys_together_are_limited_to_the_overall_rate():
    limiter = DefaultRateLimiter[int](rate_per_s=10, burst=3, clock=ManualClock())
    assert [0.005, 0.005, 0.005, 0.1, 0.2] == pytest.approx([limiter.when(key) for key in range(5)])


def test_rate_limited_keys_come_back_and_forgetting_clears_their_count():
    queue = WorkQueue[str]()
    queue.add_rate_limited("a")
    assert 1 == queue.num_requeues("a")
    assert "a" == queue.get(timeout=PATIENCE_S)
    queue.forget("a")
    assert 0 == queue.num_requeues("a")


def test_many_workers_never_hold_one_key_at_once_and_miss_no_change():
    queue = WorkQueue[int]()
    held: set[int] = set()
    clashes: list[int] = []
    latest = dict.fromkeys(range(5), 0)
    seen = dict.fromkeys(range(5), -1)
    lock = threading.Lock()

    def work() -> None:
        while True:
            try:
                key = queue.get()
            except ShutDownError:
                return
            with lock:
                if key in held:
                    clashes.append(key)
                held.add(key)
                seen[key] = latest[key]
            with lock:
                held.discard(key)
            queue.done(key)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for at in range(2000):
        with lock:
            latest[at % 5] = at
        queue.add(at % 5)
    assert queue.shut_down_with_drain(timeout=PATIENCE_S)
    for worker in workers:
        worker.join(PATIENCE_S)
    assert ([], latest) == (clashes, seen)


class AgainstAModel(RuleBasedStateMachine):
    """Any sequence of calls: the waiting and processed keys follow the rules."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = WorkQueue[int]()
        self.waiting: list[int] = []
        self.again: list[int] = []
        self.working: set[int] = set()

    @rule(key=st.integers(0, 3))
    def add(self, key: int) -> None:
        self.queue.add(key)
        if key in self.working:
            if key not in self.again:
                self.again.append(key)
        elif key not in self.waiting:
            self.waiting.append(key)

    @precondition(lambda self: self.waiting)
    @rule()
    def get(self) -> None:
        key = self.waiting.pop(0)
        assert key == self.queue.get(timeout=0)
        self.working.add(key)

    @precondition(lambda self: self.working)
    @rule(data=st.data())
    def done(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.working)))
        self.queue.done(key)
        self.working.discard(key)
        if key in self.again:
            self.again.remove(key)
            self.waiting.append(key)

    @invariant()
    def same_length(self) -> None:
        assert len(self.waiting) == len(self.queue)


AgainstAModel.TestCase.settings = settings(max_examples=50, stateful_step_count=30)
TestAnySequenceOfCalls = AgainstAModel.TestCase
