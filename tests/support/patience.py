"""How long a test waits for what must come.

Long, as machines are shared and a wait that ends well costs nothing. Tests of how long farebox itself waits
have figures of their own.
"""

WAIT_S = 60.0
