"""Defences, recoveries and detectors before the checks of the conformance kit."""
