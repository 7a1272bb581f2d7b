"""Between the formats: a client of one is answered by a provider of the other.

What the other format has no words for is refused (`Untranslatable`), never silently left out, when
it changes what the client gets; hints that only tune the sampling are left out.
"""
