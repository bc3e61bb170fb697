"""Messages that have come in, as runs."""

from hypothesis import given
from hypothesis import strategies as st

from metacore.domain.messages.inbox import InboxPosition, MessageKey, Run, runs_in_turns


def test_messages_of_a_key_that_follow_one_another_are_a_run() -> None:
    messages = [("t", "a", 2), ("t", "b", 1), ("t", "a", 3), ("t", "a", 2), ("u", "a", 4), ("t", "a", 5), ("t", "b", 1)]
    assert runs_in_turns(messages) == [
        [Run("t", "a", 2, 3), Run("t", "b", 1, 1), Run("u", "a", 4, 4)],
        [Run("t", "a", 5, 5)],
    ]


@given(st.integers(0, 4), st.lists(st.tuples(st.just("t"), st.sampled_from(["a", "b"]), st.integers(1, 6)), min_size=1))
def test_runs_leave_positions_where_their_messages_do(before: int, messages: list[MessageKey]) -> None:
    stepwise = {key: InboxPosition(consumer="c", topic="t", key=key, seq=before) for _, key, _ in messages}
    for _, key, seq in messages:
        stepwise[key], _ = stepwise[key].accept(seq)
    by_runs = dict.fromkeys(stepwise, before)
    for turn in runs_in_turns(messages):
        assert len({run.key for run in turn}) == len(turn)
        for run in turn:
            if run.first - 1 <= by_runs[run.key] < run.last:
                by_runs[run.key] = run.last
    assert by_runs == {key: position.seq for key, position in stepwise.items()}
