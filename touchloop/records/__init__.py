"""The CRM: what the organisation keeps about its dealings with a customer."""
