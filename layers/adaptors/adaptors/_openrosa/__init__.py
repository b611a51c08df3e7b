"""OpenRosa's form submissions, as ODK and CommCare accept them."""
