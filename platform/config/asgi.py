import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.core.asgi import get_asgi_application

from kernel.pooler import refuse_leaking_pooler

application = get_asgi_application()
refuse_leaking_pooler()
