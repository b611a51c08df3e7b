"""OpenRosa: form submissions to ODK and CommCare."""
