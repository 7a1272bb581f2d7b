"""What the program makes in an AWS account: one component per file, composed in building_blocks.

Nothing outside this package imports pulumi_aws, which takes some two seconds to load; whoever
composes environments imports this package only for those that have an AWS section.
"""

import warnings

with warnings.catch_warnings():
    # These modules warn of their own deprecated classes when they are loaded, used or not. Loaded
    # here they stay quiet for this package; the use of a deprecated class warns all the same.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pulumi_aws.ec2 import SecurityGroup as _SecurityGroup
    from pulumi_aws.s3 import Bucket as _Bucket

del _Bucket, _SecurityGroup
