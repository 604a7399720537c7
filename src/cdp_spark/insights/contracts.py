"""How long contracts last: the shifted beta-geometric model (sBG; Fader & Hardie 2007).

At the end of each period a customer leaves with a probability of their own (beta distributed: alpha, beta). Those who
leave early leave the rest more loyal, so the retention rate rises with the age of a contract.

1. `fit_contracts` finds alpha and beta from how many contracts ended in which period, and how many still run.
2. `survival` and `retention` project them; `remaining_periods` says how many more periods a contract of some age lasts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betaln, digamma

from cdp_spark import columns as c
from cdp_spark.errors import ConfigError, DataError
from cdp_spark.insights.likelihood import climb

if TYPE_CHECKING:
    import pyarrow as pa

    from cdp_spark.insights.likelihood import Floats

LEAST_CONTRACTS, LEAST_PERIODS = 50, 3
_STARTS = ((1.0, 1.0), (0.5, 5.0), (5.0, 50.0))


@dataclass(frozen=True)
class ContractModel:
    """A fitted sBG model.

    Args:
        alpha: of the probabilities to leave.
        beta: of the probabilities to leave.
        standard_errors: of alpha and beta.
        log_likelihood: of the contracts.
        contracts: that it was fitted on.
    """

    alpha: float
    beta: float
    standard_errors: tuple[float, float] = (np.nan, np.nan)
    log_likelihood: float = np.nan
    contracts: int = 0


def fit_contracts(contracts: pa.Table) -> ContractModel:
    """Fit the model to counted contracts; cohorts of any age together.

    Args:
        contracts: `periods` (whole periods that were paid for, from 1), `ended` (whether it ended with the last of
            them; a contract that still runs has been renewed after each) and `customers` (how many such contracts).
    Raises: DataError: too few contracts or periods, or none that ended.
    """
    periods = contracts[c.PERIODS].to_numpy().astype(np.float64)
    ended = contracts[c.ENDED].to_numpy(zero_copy_only=False).astype(np.bool_)
    customers = contracts[c.CUSTOMERS].to_numpy().astype(np.float64)
    _check(periods, ended, customers)

    def log_likelihood(parameters: Floats) -> tuple[float, Floats]:
        alpha, beta = parameters
        left, stayed = ended * 1.0, periods - ended
        rows = betaln(alpha + left, beta + stayed) - betaln(alpha, beta)
        of_sum = digamma(alpha + beta) - digamma(alpha + beta + left + stayed)
        of_alpha = digamma(alpha + left) - digamma(alpha) + of_sum
        of_beta = digamma(beta + stayed) - digamma(beta) + of_sum
        return float(customers @ rows), np.array([customers @ of_alpha, customers @ of_beta])

    peak = climb(log_likelihood, _STARTS, first=log_likelihood)
    (alpha, beta), errors = map(float, peak.parameters), peak.standard_errors
    return ContractModel(alpha, beta, (float(errors[0]), float(errors[1])), peak.log_likelihood, int(customers.sum()))


def survival(model: ContractModel, periods: Floats) -> Floats:
    """Return the share of contracts that are renewed at least so many times (eq. 2).

    Args:
        model: the parameters.
        periods: whole periods from the start, from 0.
    """
    shares = np.exp(betaln(model.alpha, model.beta + periods) - betaln(model.alpha, model.beta))
    return np.asarray(shares, dtype=np.float64)


def retention(model: ContractModel, periods: Floats) -> Floats:
    """Return the share that renews at the end of a period of those that paid for it (eq. 3).

    Args:
        model: the parameters.
        periods: number of the period, from 1.
    """
    return (model.beta + periods - 1) / (model.alpha + model.beta + periods - 1)


def remaining_periods(model: ContractModel, renewals: Floats, *, horizon: int = 120, discount: float = 0.0) -> Floats:
    """Return how many more periods a running contract is expected to be paid for, within a horizon.

    Without a horizon the expectation is infinite for alpha up to 1, which is usual.

    Args:
        model: the parameters.
        renewals: how often each contract has been renewed so far, from 0.
        horizon: periods that count.
        discount: per period; the renewal at the end of the current period counts in full with 0.
    Raises: ConfigError: the horizon or the discount is out of range.
    """
    if horizon < 1 or discount <= -1:
        raise ConfigError(
            "contracts", got=f"horizon {horizon}, discount {discount}", allowed="horizon from 1, discount above -1"
        )
    ahead = np.arange(1.0, horizon + 1)
    distinct, index = np.unique(renewals, return_inverse=True)
    alive = betaln(model.alpha, model.beta + np.add.outer(distinct, ahead))
    shares = np.exp(alive - betaln(model.alpha, model.beta + distinct)[:, None])
    return np.asarray((shares @ (1 + discount) ** -ahead)[index], dtype=np.float64)


def _check(periods: Floats, ended: np.ndarray, customers: Floats) -> None:
    longest = periods.max(initial=0)
    needs = [
        (customers.sum(), LEAST_CONTRACTS, f"{LEAST_CONTRACTS} contracts (there are {customers.sum():g})"),
        (longest, LEAST_PERIODS, f"{LEAST_PERIODS} periods of the oldest (there are {longest:g})"),
        (customers[ended].sum(), 1, "1 contract that ended"),
    ]
    if missing := [text for found, least, text in needs if found < least]:
        needed, fix = ", ".join(missing), "Load older contracts, or wait."
        said = f"There is too little history. The model needs at least {needed}. {fix}"
        raise DataError("contract model", got="too little history", allowed=f"at least {needed}", fix=fix, said=said)
