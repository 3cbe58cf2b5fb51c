"""FHIR JSON to facts with their sources: pure, and ignorant of any guideline and of the service."""
