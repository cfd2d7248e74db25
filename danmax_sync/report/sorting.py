"""The one script of a page: a click on a heading, or Enter on it, sorts the table; for paper all is unfolded.

Headings become buttons only when it runs; where scripts are not allowed the table stands as it is. Newer browsers
unfold for paper by the page's style alone.
"""

SCRIPT = """
let folded=[];
addEventListener("beforeprint",()=>{
folded=[...document.querySelectorAll("details:not([open])")];
for(const each of folded)each.open=true});
addEventListener("afterprint",()=>{for(const each of folded)each.open=false});
for(const table of document.querySelectorAll("table.sort")){
const body=table.tBodies[0],heads=[...table.tHead.rows[0].cells];
const words=new Intl.Collator(undefined,{numeric:true});
heads.forEach((head,column)=>{
const isNumber=head.classList.contains("n"),button=document.createElement("button");
button.type="button";
button.append(...head.childNodes);
head.append(button);
const key=row=>{const text=row.cells[column].textContent.trim();return isNumber?parseFloat(text):text};
const isMissing=key=>isNumber?isNaN(key):!key;
button.addEventListener("click",()=>{
const isDown=head.getAttribute("aria-sort")==="ascending",sign=isDown?-1:1;
for(const each of heads)each.removeAttribute("aria-sort");
head.setAttribute("aria-sort",isDown?"descending":"ascending");
const keyed=[...body.rows].map(row=>[key(row),row]);
keyed.sort(([a],[b])=>{
if(isMissing(a)||isMissing(b))return isMissing(a)-isMissing(b);
return sign*(isNumber?a-b:words.compare(a,b))});
for(const[,row]of keyed)body.append(row)})})}
"""
"""What a cell says is only read and compared; it becomes no markup."""
