"""Priors learnt from small files with truth: `python -m benchmarks priors`.

1. Every two records of a file are compared as `cdp resolve` compares them. The levels of each comparison are counted by
   class of pairs: matches, others, people of one household, people of one firm. Nothing is fitted here, so the priors
   that are in force change nothing.
2. Per class and entry of `priors.yaml` the files' counts are taken for draws from a Dirichlet-multinomial distribution,
   whose parameters are fitted by likelihood (Minka 2000), in a limited number of steps. Their proportions are the
   shares of the levels; their sum says how much files resemble each other, and so how many pairs the shares are worth.
3. What was not seen often enough stays as it stands in the file. So do the levels that an entry sets `by_hand`, and
   what says how values are to be treated: `own`, `against`, `frequency`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from scipy.special import digamma

from benchmarks.small.chosen import LEARNING, choose_files, missing_sources
from benchmarks.small.evaluate import map_files, parser_of
from benchmarks.small.files import read_by_engine
from benchmarks.small.priors_file import Learnt, header_of, write_priors
from cdp_spark import columns as c
from cdp_spark.limits import EVERY_PAIR_RECORDS
from cdp_spark.resolution.comparing.comparisons import compile_comparisons
from cdp_spark.resolution.features import make_features
from cdp_spark.resolution.kernel import compare_pairs
from cdp_spark.resolution.learning import priors
from cdp_spark.resolution.learning.priors import LevelPrior, shipped_priors
from cdp_spark.standalone.keys import RECORD_ID
from cdp_spark.standalone.resolve import propose_match

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from benchmarks.small.files import SmallFile
    from cdp_spark.resolution.comparing.comparisons import CompiledComparison

MATCHES, OTHERS, HOUSEHOLD, FIRM = range(4)
LEAST_PAIRS = 200
"""Pairs of a class from which its shares are learnt."""
_LEAST_SHARE = 0.0003
"""Least share of a level: what was never seen among so many pairs of these files may still be in others."""
_TIMES = 5.0
"""Times the strength that the files' resemblance gives a class: from few pairs EM confirms its own mistakes."""
_MOST_MATCHES, _MOST_OTHERS = 40.0, 60.0
"""Most pairs, before that, that shares are worth: drawn files resemble each other more than those of the field."""
_RELATED_STRENGTH = 100.0
ITERATIONS = 200
"""Of the fit. For classes of very many pairs, above all `others`, it stops before the maximum, and levels that hardly
occur keep a larger share than there. Of case 13 from the field 1 pair is wrong so, and 7 after 1,000 iterations."""
_TOLERANCE = 1e-8
_START, _LEAST_PARAMETER, _MOST_PARAMETER = 20.0, 1e-4, 1e5


@dataclass(frozen=True)
class LevelCounts:
    """How often a comparison's levels occur in a file.

    Args:
        method: of the comparison.
        column: its first.
        counts: pairs by class and level, from different to equal; shape (4, levels). Pairs with a missing value are
            not counted, and equal values are one level, however common they are.
    """

    method: str
    column: str
    counts: NDArray[np.int64]


def main(argv: Sequence[str]) -> None:
    """Learn priors and write the file."""
    parser = parser_of("priors", __doc__ or "")
    default = Path(priors.__file__).with_name("priors.yaml")
    parser.add_argument("--out", type=Path, default=default, help="the file to write (the package's own)")
    arguments = parser.parse_args(argv)
    if arguments.out == default and (missing := missing_sources(arguments.data)):
        parser.error("; ".join([*missing, "the package's own file needs them all: write another one with --out FILE"]))
    files = list(choose_files(LEARNING, data=arguments.data, scratch=arguments.folder))
    counted = map_files(partial(count_levels, folder=arguments.folder / "learnt"), files)
    entries = learn_priors(shipped_priors(), counted)
    arguments.out.write_text(write_priors(entries, header=header_of([file.kind for file in files])), encoding="utf-8")
    print(f"{arguments.out}: {len(entries)} entries, learnt from {len(files)} files")


def count_levels(file: SmallFile, folder: Path) -> tuple[LevelCounts, ...]:
    """Compare every two records of a file and count the levels by class of pairs.

    Args:
        file: with its truth, of `EVERY_PAIR_RECORDS` at most.
        folder: where it is written.
    """
    assert len(file.rows) <= EVERY_PAIR_RECORDS
    engine = read_by_engine(file, folder)
    proposal = propose_match(engine)
    assert proposal.sample is not None
    comparisons = proposal.match.comparisons
    compiled, frequencies = compile_comparisons(comparisons), proposal.sample.frequencies(comparisons)
    records = engine.records.sort_by(c.RECORD_KEY)
    left, right = np.triu_indices(records.num_rows, k=1)
    features = pa.table(make_features(records, proposal.match))
    levels = compare_pairs(features, left, right, compiled, frequencies)
    at = {record_id: number for number, record_id in enumerate(file.ids)}
    classes = classes_of(file, np.array([at[record_id] for record_id in records[RECORD_ID].to_pylist()]), left, right)
    return tuple(
        LevelCounts(item.config.method, item.config.columns[0], _counts(item, levels[:, place], classes))
        for place, item in enumerate(compiled)
    )


def classes_of(
    file: SmallFile, order: NDArray[np.int64], left: NDArray[np.int64], right: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Tell the class of each pair: two of one household and firm are of the firm.

    Args:
        file: with its truth.
        order: which record of the file stands at each position.
        left: positions, shape (pairs,).
        right: positions, shape (pairs,).
    """
    classes = np.full(len(left), OTHERS)
    for number, groups in ((HOUSEHOLD, file.households), (FIRM, file.firms), (MATCHES, file.entities)):
        if groups:
            codes = np.unique(np.array(groups), return_inverse=True)[1][order]
            classes[codes[left] == codes[right]] = number
    return classes


def learn_priors(
    entries: Sequence[LevelPrior], files: Sequence[Sequence[LevelCounts]]
) -> list[tuple[LevelPrior, Learnt]]:
    """Replace the shares of each entry that were seen often enough.

    Args:
        entries: as they are.
        files: counts of each.
    Returns: the entries in their order, and what each was learnt from.
    """
    return [_learnt(entry, files) for entry in entries]


def fit_dirichlet(counts: NDArray[np.int64], *, iterations: int = ITERATIONS) -> NDArray[np.float64]:
    """Fit a Dirichlet-multinomial distribution by climbing towards the maximum of its likelihood.

    Args:
        counts: of each file, shape (files, levels).
        iterations: at most; see `ITERATIONS`.
    Returns: the Dirichlet's parameters, shape (levels,).
    Source: Minka 2000, Estimating a Dirichlet distribution, eq. 65, a fixed point.
    """
    drawn = counts[counts.sum(axis=1) > 0].astype(np.float64)
    totals, levels = drawn.sum(axis=1), drawn.shape[1]
    found = (drawn.sum(axis=0) + 0.5) / (drawn.sum() + 0.5 * levels) * _START
    for _ in range(iterations):
        whole = found.sum()
        up = (digamma(drawn + found) - digamma(found)).sum(axis=0)
        down = (digamma(totals + whole) - digamma(whole)).sum()
        last, found = found, np.clip(found * up / max(down, 1e-9), _LEAST_PARAMETER, _MOST_PARAMETER)
        if np.abs(found / last - 1).max() < _TOLERANCE:
            break
    return np.asarray(found)


def _counts(item: CompiledComparison, levels: NDArray[np.int64], classes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs by class and level, equal values on one level; shape (4, levels)."""
    last = item.equal_level
    cells = classes * (last + 1) + np.minimum(levels, last)
    return np.asarray(np.bincount(cells, minlength=4 * (last + 1)).reshape(4, last + 1)[:, 1:])


def _learnt(entry: LevelPrior, files: Sequence[Sequence[LevelCounts]]) -> tuple[LevelPrior, Learnt]:
    seen = _seen(entry, files)
    pairs = np.sum([counts.sum(axis=1) for counts in seen], axis=0) if seen else np.zeros(4, dtype=np.int64)
    fitted = {
        number: fit_dirichlet(np.stack([counts[number] for counts in seen]))
        for number in range(4)
        if pairs[number] >= LEAST_PAIRS
    }
    if not fitted:
        return entry, Learnt(len(seen) if entry.columns and entry.about is None else None)
    update: dict[str, tuple[float, ...]] = {}
    strength, learnt = list(entry.strength), Learnt(len(seen))
    for number, name, most in ((MATCHES, "matches", _MOST_MATCHES), (OTHERS, "others", _MOST_OTHERS)):
        if number in fitted:
            update[name] = shares_of([fitted[number]])
            strength[number] = _rounded(_TIMES * min(float(fitted[number].sum()), most))
            learnt.pairs[name] = int(pairs[number])
    related = [number for number in (HOUSEHOLD, FIRM) if number in fitted]
    if entry.related is not None and related:
        update["related"] = shares_of([fitted[number] for number in related])
        learnt.pairs["related"] = int(pairs[related].sum())
    update = {name: _with_levels_by_hand(entry, name, shares) for name, shares in update.items()}
    update["strength"] = (*strength[:2], _RELATED_STRENGTH)
    return entry.model_copy(update=update), learnt


def _with_levels_by_hand(entry: LevelPrior, name: str, learnt: tuple[float, ...]) -> tuple[float, ...]:
    """What was learnt for a class, but for the levels that the files cannot tell of: these stay as they stand."""
    by_hand = np.isin(entry.levels, entry.by_hand)
    kept, shares = np.array(getattr(entry, name)), np.array(learnt)
    shares[~by_hand] *= (1 - kept[by_hand].sum()) / shares[~by_hand].sum()
    return tuple(_rounded(share) for share in np.where(by_hand, kept, shares))


def _seen(entry: LevelPrior, files: Sequence[Sequence[LevelCounts]]) -> list[NDArray[np.int64]]:
    """Counts of each file for the columns that an entry names."""
    columns = () if entry.about == "companies" else entry.columns
    return [item.counts for file in files for item in file if item.method == entry.method and item.column in columns]


def shares_of(parameters: Sequence[NDArray[np.float64]]) -> tuple[float, ...]:
    """Return the mean proportions of Dirichlet distributions, none below the least share, to four digits."""
    mean = np.mean([item / item.sum() for item in parameters], axis=0)
    least = np.maximum(mean, _LEAST_SHARE)
    return tuple(_rounded(share) for share in least / least.sum())


def _rounded(number: float) -> float:
    return float(f"{number:.4g}")
