"""Sign-in: django-allauth with our pages. Nobody signs themselves up; an admin adds people."""
