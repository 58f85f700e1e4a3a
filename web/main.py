"""For ``uvicorn web.main:app``."""

from core.logs import configure_logs
from core.settings import Settings
from web.app import create_app
from web.reports import start_reports

settings = Settings.load()
configure_logs(settings)
start_reports(settings)
app = create_app(settings)
