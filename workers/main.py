"""What ``celery -A workers.main`` finds."""

from core.settings import Settings
from workers.app import make_celery

app = make_celery(Settings.load())
