"""What the program creates in an AWS account: one component per file, composed in building_blocks.

Only this package imports pulumi_aws, which takes some two seconds to load. The program imports this
package only for environments that have an AWS section.
"""

import warnings

with warnings.catch_warnings():
    # These modules warn about their own deprecated classes when they are loaded, used or not.
    # Loaded here, they do not warn; the use of a deprecated class still does.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pulumi_aws.ec2 import SecurityGroup as _SecurityGroup
    from pulumi_aws.s3 import Bucket as _Bucket

del _Bucket, _SecurityGroup
