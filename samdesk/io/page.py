"""What every HTML report begins with: its policy, its style, and for whom it is."""

RESEARCH_ONLY = "Research use only. samdesk is not a medical device."
# Nothing is fetched and nothing runs, also when a name in the report tries to.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;max-width:66rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin:.2rem 0}h2{font-size:1.2rem;margin-top:2rem}
.note{border-left:4px solid #c77700;padding:.3rem .8rem}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #8884}
td.n,th.n{text-align:right}
figure{margin:1.2rem 0}img{max-width:100%;background:#000}
figcaption{color:#777}svg text{font-size:11px;fill:currentColor}
"""
