"""The links of the chain between a victim and an attack that plugins bring: defences, detectors, recoveries."""
