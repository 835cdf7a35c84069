// The whole script of the console: htmx and the small behaviours of the components.
// Behaviours hang on data-attributes and listen on the document, so that what htmx swaps in works.
import htmx from "htmx.org";
import "./js/frame.js";
import "./js/keys.js";
import "./js/palette.js";
import "./js/drawer.js";
import "./js/overlays.js";
import "./js/table.js";
import "./js/combobox.js";
import "./js/edit.js";
import "./js/copy.js";
import "./js/charts.js";
import "page-scripts";

window.htmx = htmx;
