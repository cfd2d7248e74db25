"""How the page looks: on a bright screen, on a dark one, on paper."""

CSS = """
:root{color-scheme:light dark;--paper:#fff;--ink:#1c2430;--faint:#5b6675;--line:#d5dae1;--tint:#f3f5f8;--link:#1d5fbf;
--good:#1f7a3d;--bad:#b3261e;--warm:#c2571a;--cool:#2c62c4}
@media (prefers-color-scheme:dark){:root{--paper:#14181e;--ink:#e3e7ed;--faint:#98a3b3;--line:#343c48;--tint:#1c222a;
--link:#7fb0ff;--good:#69c98a;--bad:#ff8a80;--warm:#f0945a;--cool:#86adff}}
*{box-sizing:border-box}
html{background:var(--paper)}
body{margin:0 auto;padding:2rem 1.25rem 4rem;max-width:72rem;color:var(--ink);background:var(--paper);
overflow-wrap:anywhere;font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .3rem}
h2{font-size:1.2rem;margin:2.4rem 0 .7rem;padding-bottom:.3rem;border-bottom:1px solid var(--line)}
h3{font-size:1rem;margin:1.4rem 0 .4rem}
p{margin:.4rem 0;max-width:48rem}
a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}
.faint{color:var(--faint)}.good{color:var(--good)}.bad{color:var(--bad)}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.6rem;margin:1.2rem 0}
.facts div{background:var(--tint);border-radius:6px;padding:.55rem .8rem}
.facts b{display:block;font-size:1.15rem;font-weight:600}
.facts span{color:var(--faint);font-size:.82rem}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.87rem;font-variant-numeric:tabular-nums}
th{text-align:left;font-weight:600;color:var(--faint);white-space:nowrap}
th button{all:unset;cursor:pointer}th button:focus-visible{outline:2px solid var(--link);outline-offset:2px}
th[aria-sort] button{color:var(--ink)}
th[aria-sort=ascending] button::after{content:"\\a0↑"}th[aria-sort=descending] button::after{content:"\\a0↓"}
th,td{padding:.28rem .8rem .28rem 0;border-bottom:1px solid var(--line);vertical-align:top}
td{min-width:6.5em;max-width:28rem}
.n{text-align:right}.n,.t{white-space:nowrap;min-width:0}.w{width:100%;min-width:10em;max-width:none}
tbody tr:hover{background:var(--tint)}
details{border-bottom:1px solid var(--line)}
summary{cursor:pointer;padding:.35rem 0}
pre,code{font:12.5px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre{background:var(--tint);padding:.7rem .9rem;border-radius:6px;white-space:pre-wrap}
code{background:var(--tint);padding:.1rem .3rem;border-radius:4px}
figure{margin:.8rem 0 1.2rem}
figcaption{color:var(--faint);font-size:.87rem;max-width:48rem}
svg{display:block;width:100%;height:auto}
svg text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif;fill:var(--faint)}
svg .grid{stroke:var(--line);stroke-width:1}
svg .axis{stroke:var(--faint);stroke-width:1}
svg .under{fill:var(--paper);stroke:none}
svg .curve{fill:none;stroke-width:1.3;stroke-linejoin:round}
svg .warm{stroke:var(--warm)}svg .cool{stroke:var(--cool)}
svg .one{stroke:var(--cool)}
svg .trace{fill:none;stroke-width:3.5;stroke-linecap:round;stroke-linejoin:round}
@media screen and (max-width:44rem){
body{overflow-x:clip}
svg{overflow:visible}svg text{font-size:24px}svg .some{display:none}svg .curve{stroke-width:3}svg .trace{stroke-width:8}
table,tbody{display:block}
thead{display:none}.sort thead{display:block}
tr{display:flex;flex-wrap:wrap;gap:.1rem .9rem;padding:.4rem 0;border-bottom:1px solid var(--line)}
th,td{padding:0;border:0;min-width:0;max-width:100%;text-align:left}
td:empty{display:none}
td.w{flex-basis:100%}
td[data-of]::before{content:attr(data-of) "\\a0";color:var(--faint)}
}
footer{margin-top:3rem;color:var(--faint);font-size:.85rem}
@media print{
:root{--paper:#fff;--ink:#000;--faint:#444;--line:#bbb;--tint:#f3f3f3;--link:#000;--good:#1f7a3d;--bad:#b3261e;
--warm:#c2571a;--cool:#2c62c4}
@page{margin:14mm}
body{max-width:none;padding:0;font-size:10pt}
table{font-size:7.5pt}.facts b{font-size:11pt}
.wide{overflow:visible}
thead{display:table-header-group}tr,figure,svg{break-inside:avoid}h2,h3{break-after:avoid}
tbody tr:hover{background:none}
th,td{padding-right:.5rem}
details::details-content{display:block;content-visibility:visible;height:auto}
summary{font-weight:600;list-style:none;break-after:avoid}
}
"""
