"""E-mail: templates, rendering, SMTP, bounces and complaints read back, signed links."""
