"""Translation between the formats: a provider of one format answers clients of the other.

A request is refused (`Untranslatable`) if the other format cannot express something that changes
the answer. Fields that only tune the sampling are left out.
"""
