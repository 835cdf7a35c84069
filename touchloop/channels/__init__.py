"""What leaves the house: deliveries, what holds them back, and a folder for each channel.

Owns: deliveries and their outcomes, the ledger of contact pressure, suppressions. Reads: consent,
identity, open cases. Offers: `request` (in the transaction that decides), `cancel`, hand-off.
"""
