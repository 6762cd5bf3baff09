"""Without a checkout of upstream all is skipped; meson knows that by 77.

SPDX-License-Identifier: Apache-2.0
"""

import pytest


def pytest_sessionfinish(session, exitstatus):
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
        session.exitstatus = 77
