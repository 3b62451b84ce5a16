"""Many questions to fitted transformers, asked in as few tables as they allow.

A transform of one row costs milliseconds of validation, of a hundred rows hardly more. What is
asked of several columns of a transformer therefore stands side by side in one table, what is asked
of the same column one below the other. Only where the transformer refuses a table is it asked for
each by itself, so that of each is known whether it is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from .limits import Search
from .sources import Answer, Memo, Question, Source, any_numbers, ask

__all__ = ["Passes", "ask_together", "last_trues_together"]

Passes = Callable[[npt.NDArray, npt.NDArray], npt.NDArray[np.bool_]]


def ask_together(asked: Iterable[tuple[Source, npt.NDArray]], memo: Memo) -> None:
    """Have transformers answer what `source.forward(values, memo)` will ask them.

    Parameters
    ----------
    asked : iterable of (Source, array)
        Raw values to be sent forward.
    memo : dict
        Takes up the answers, refusals among them. It knows arrays and transformers by their
        identity: it must not be kept longer than they are.

    Examples
    --------
    >>> from sklearn.preprocessing import OrdinalEncoder
    >>> from treeprune.explain.sources import Link
    >>> encode = OrdinalEncoder().fit([["a", "x"], ["b", "y"]])
    >>> sources = [Source((k,), "table", f"x{k}", (Link(encode, k, k),)) for k in (0, 1)]
    >>> values = np.array(["b", "a"], dtype=object), np.array(["y"], dtype=object)
    >>> memo = {}
    >>> ask_together(zip(sources, values), memo)
    >>> [source.forward(v, memo).tolist() for source, v in zip(sources, values)]
    [[1.0, 0.0], [1.0]]
    """
    going = [(list(s.ways(values)), values) for s, values in asked if s.kind != "codes" and s.links]
    depth = 0
    while going:  # one link further at a time
        waiting: dict[tuple, dict[tuple, Question]] = {}
        for ways, values in going:
            way, link = ways[depth]
            if way not in memo:
                dtype = values.dtype if values.dtype == object else np.dtype(link.dtype)
                waiting.setdefault((id(link.transformer), dtype), {})[way] = (link, values)
        for questions in waiting.values():
            memo.update(_answers(questions))
        going = [
            (ways, memo[ways[depth][0]].of(ways[depth][1]))
            for ways, _ in going
            if len(ways) > depth + 1 and memo[ways[depth][0]].error is None
        ]
        depth += 1


def _answers(asked: dict[tuple, Question]) -> Memo:
    """Answers of one transformer, from one table where it refuses nothing."""
    try:
        return dict(zip(asked, ask(list(asked.values())), strict=True))
    except (ValueError, TypeError) as error:
        if len(asked) == 1:
            return dict.fromkeys(asked, Answer(error=error))
    out: Memo = {}
    for part in _parts(asked):
        out |= _answers(part)
    return out


def _parts(asked: dict[tuple, Question]) -> list[dict[tuple, Question]]:
    """What stands side by side in the table; once that is all, each question by itself.

    Questions come in the same order for every column, so that often all of a part are refused
    (say, the unseen category of each column) and none of the others.
    """
    parts: dict[int, dict[tuple, Question]] = {}
    above: Counter[int] = Counter()
    for way, (link, values) in asked.items():
        parts.setdefault(above[link.position], {})[way] = (link, values)
        above[link.position] += 1
    if len(parts) > 1:
        return list(parts.values())
    return [{way: question} for way, question in asked.items()]


def last_trues_together(tests: Sequence[tuple[Source, Passes, int]]) -> list[npt.NDArray]:
    """Where tests of model columns end, in raw units; all columns are searched at the same time.

    Parameters
    ----------
    tests : sequence of (Source, callable, int)
        The callable takes values of the model column and, for each, which of the `n` tests it is
        meant for; each test is true up to a point.

    Returns
    -------
    list of array of float64, shape (n,)
        As `last_trues`.

    Examples
    --------
    >>> from sklearn.preprocessing import MaxAbsScaler
    >>> from treeprune.explain.sources import Link
    >>> scale = MaxAbsScaler().fit([[2.0, 10.0]])
    >>> tests = [
    ...     (Source((k,), "number", f"x{k}", (Link(scale, k, k),)), lambda z, _: z <= 0.5, 1)
    ...     for k in (0, 1)
    ... ]
    >>> [limits.tolist() for limits in last_trues_together(tests)]
    [[1.0], [5.0]]
    """
    searches = [Search(n, source.lowest, source.points) for source, _, n in tests]
    while going := [k for k, search in enumerate(searches) if not search.is_done]:
        asked = {k: searches[k].asked() for k in going}
        sent = {k: tests[k][0].without_special(values) for k, (values, _) in asked.items()}
        memo: Memo = {}
        with any_numbers():
            ask_together([(tests[k][0], values) for k, values in sent.items()], memo)
            at = {k: tests[k][0].forward(values, memo) for k, values in sent.items()}
        for k, (_, which) in asked.items():
            searches[k].tell(tests[k][1](at[k], which))
    return [search.found for search in searches]
