"""Surveys: who is asked, what was answered; one answer per invitation."""
