"""The browser's side of the simulators: several phones on one page. Local trials only."""
