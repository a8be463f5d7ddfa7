"""Django's PostgreSQL backend as our schools need it; `settings.ORIGINAL_BACKEND` puts it under django-tenants'."""
