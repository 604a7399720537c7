"""Small files of customers: how well they are matched, and what priors are learnt from others of their kind.

1. `drawn` makes files of people and their records, `sampled` takes some people's records from public sets.
2. `files` says which of them are for learning and which for measuring; no person is in both.
3. `evaluate` measures `cdp resolve` on the latter, `learn` counts levels of the former and writes `priors.yaml`.
"""
