"""Programs that only confirm evaluation_golden.py's numbers; each name is None where it isn't installed."""

try:
    import MLstatkit
except ImportError:
    MLstatkit = None
try:
    import confidenceinterval
    import confidenceinterval.delong
except ImportError:
    confidenceinterval = None
try:
    import statsmodels
    from statsmodels.stats.multitest import multipletests
except ImportError:
    statsmodels = multipletests = None
try:
    from medmnist import __version__ as medmnist_version
    from medmnist.evaluator import getACC, getAUC
except ImportError:
    medmnist_version = getACC = getAUC = None
