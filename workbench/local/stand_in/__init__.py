"""Small servers that respond as the systems of the adaptors do, so that jobs run without them.

They follow what DHIS2, Salesforce, CommCare, KoboToolbox and ODK document, accept everything that
is sent, and store no records: lists are empty.
"""
