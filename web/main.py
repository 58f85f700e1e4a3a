"""For ``uvicorn web.main:app``."""

import sentry_sdk

from core.logs import configure_logs
from core.settings import Settings
from web.app import create_app

settings = Settings.load()
configure_logs(settings)
if dsn := settings.sentry_dsn.get_secret_value():
    # Request bodies hold what people typed; they stay here.
    sentry_sdk.init(dsn, send_default_pii=False, max_request_body_size="never")
app = create_app(settings)
