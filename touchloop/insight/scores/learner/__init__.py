"""The common learner: from a table with an outcome to a calibrated probability with its reasons.

A logit and gradient boosted trees are always fitted side by side, on columns that were checked for
ids, constants and leaks, and are held against the majority class and the best single feature.
Offers: `learn`, `Classifier`. Reads nothing by itself: churn, intent and `touchloop fit churn`
bring their tables.
"""
