// What every page loads. Each module defines its own elements; a page without scripts works all the same.
import "./offline.js";
import "./confirm.js";
import "./copy.js";
import "./dropdown.js";
import "./editor.js";
import "./expression.js";
import "./forms.js";
import "./fragment.js";
import "./graph.js";
import "./live.js";
import "./log.js";
import "./palette.js";
import "./presence.js";
import "./runlog.js";
import "./runview.js";
import "./time.js";
import "./upload.js";

// A refused form: the reader hears of it first.
document.getElementById("faults")?.focus();
