"""Staff accounts: the people who sign in to the console.

Owns: the table `staff` (who may sign in, in which role, for which locations) and the
append-only table `audit` (what they did; written through `touchloop.core.audit`).
Offers: `api.create_user`, `api.people`, `api.change_person`. Other rooms know staff by id only.
"""
