"""The WSGI application; settings must have been made from a region before it is imported."""

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
