/* The look of the page. One style sheet, no script, no font and no picture from outside. */
#include "bench/report/reportview.h"

static const char style[] =
    "<style>\n"
    ":root{--ink:#17202a;--soft:#5d6b7a;--line:#e2e7ec;--paper:#fff;--ground:#f5f7f9;--accent:#0b7285;--bad:#c92a2a;--good:#2b8a3e}\n"
    "*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif}\n"
    "main{max-width:1340px;margin:0 auto;padding:32px 20px 80px}header{margin-bottom:28px}\n"
    ".kicker{margin:0;color:var(--accent);text-transform:uppercase;letter-spacing:.12em;font-size:12px;font-weight:600}\n"
    "h1{font-size:30px;line-height:1.2;margin:.15em 0 .5em}h2{font-size:21px;margin:0 0 14px}h2 small,h3 small{font-weight:400;color:var(--soft);font-size:14px}\n"
    "h3{font-size:17px;margin:0 0 10px}section{background:var(--paper);border:1px solid var(--line);border-radius:12px;padding:22px 24px;margin-bottom:22px}\n"
    ".facts{display:flex;flex-wrap:wrap;gap:10px 28px;margin-bottom:14px}.fact span{display:block;font-size:12px;color:var(--soft)}.fact b{font-weight:600}\n"
    "pre,code{font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace}\n"
    ".command{background:#17202a;color:#e9eef2;border-radius:8px;padding:10px 14px;white-space:pre-wrap;overflow-wrap:anywhere;margin:0}\n"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:14px}\n"
    "th,td{padding:5px 9px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}th{font-weight:600;color:var(--soft);font-size:12.5px}\n"
    "th:first-child,td:first-child{text-align:left}tr.mean td{font-weight:700;border-top:2px solid var(--ink);border-bottom:0}\n"
    "thead tr.top th{text-align:center;color:var(--ink);border-bottom:0}td small,.ci{color:var(--soft);font-size:11.5px;font-weight:400}\n"
    "tr.own td{background:#e3fafc;font-weight:600}td.shot{border-left:2px solid var(--line)}th.shot{border-left:2px solid var(--line)}\n"
    "details{margin:12px 0}summary{cursor:pointer;color:var(--accent)}.note{color:var(--soft);font-size:13px}.warn{color:#9c5700}\n"
    ".card{border-top:1px solid var(--line);padding-top:20px;margin-top:22px}.plots{display:flex;flex-wrap:wrap;gap:8px;align-items:flex-start}\n"
    "svg{display:block}svg text{font:11px system-ui,sans-serif;fill:var(--soft)}svg .t{font-weight:600;fill:var(--ink);font-size:12px}\n"
    ".chips{display:flex;flex-wrap:wrap;gap:6px;margin:0 0 12px}.chip i{font-style:normal;color:var(--soft);font-size:12px;margin-left:6px}.chip{background:var(--ground);border:1px solid var(--line);border-radius:999px;padding:1px 10px;font-size:13px}\n"
    ".gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(330px,1fr));gap:12px;margin-top:10px}\n"
    ".shot3{border:1px solid var(--line);border-radius:8px;padding:8px;background:var(--ground)}.shot3 .pics{display:flex;gap:4px}\n"
    ".shot3 img{flex:1 1 0;min-width:0;width:33%;border-radius:4px;display:block;object-fit:contain;background:#dfe5ea}\n"
    ".cap{display:flex;justify-content:space-between;gap:8px;font-size:12px;margin-top:5px}.cap span:first-child{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;color:var(--soft)}\n"
    ".bad{color:var(--bad);font-weight:600}.good{color:var(--good);font-weight:600}h4{margin:16px 0 4px;font-size:14px}\n"
    ".gone{flex:1;min-height:60px;display:flex;align-items:center;justify-content:center;color:var(--soft);font-size:12px;background:#dfe5ea;border-radius:4px}\n"
    ".scale{display:flex;align-items:center;gap:8px;font-size:12px;color:var(--soft);margin-top:6px}.scale img{height:10px;width:160px;border-radius:2px}\n"
    ".failures{padding-left:18px;overflow-wrap:anywhere}@media print{body{background:#fff}section{break-inside:avoid-page;border:0;padding:0}}\n"
    "</style>\n";

iad_status iad_report_style(iad_report *report, iad_err *err) { return iad_buf_add_str(&report->html, style, err); }
