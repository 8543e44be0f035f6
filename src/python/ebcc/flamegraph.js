// SPDX-License-Identifier: Apache-2.0
// The script inside each flame graph: fits the boxes to the window, zooms into one, searches for
// functions by name, and shows the numbers of the box under the pointer or the keyboard focus. Names
// are only ever read and written as text.
(function () {
	"use strict";

	const svg = document.getElementById("flamegraph");
	const header = document.getElementById("header");
	const [title, subtitle, details, legend] =
		["title", "subtitle", "details", "legend"].map((id) => document.getElementById(id));
	const setting = (name) => Number(svg.dataset[name]);
	const margin = setting("margin");
	const narrow = 760;		// below this width, title and controls have a row each
	const small = 480;		// below this width, controls have shorter labels
	const thinnest = 0.3;		// a box thinner than this is not drawn
	const wideCharacter = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\ud83c-\ud83e\ud840-\ud87f]/;

	const frames = Array.from(document.querySelectorAll(".frame"), function (element) {
		const words = element.querySelector("title").textContent;
		const end = words.indexOf("\n");
		return {
			element,
			box: element.querySelector("rect"),
			label: element.querySelector("text"),
			words: words.replace("\n", ": "),
			name: words.slice(0, end),
			start: Number(element.dataset.start),
			value: Number(element.dataset.value),
			depth: Number(element.dataset.depth),
			visible: true,
			left: 0,
			found: false,
		};
	});
	const root = frames[0];
	const frameOf = new Map(frames.map((frame) => [frame.element, frame]));
	let zoomed = root;
	let current = root;
	let characterWidth = 7.25;
	let isSmall = false;

	const endOf = (frame) => frame.start + frame.value;
	const contains = (outer, inner) => outer.depth <= inner.depth && outer.start <= inner.start &&
		endOf(outer) >= endOf(inner);

	function columns(character) {
		return wideCharacter.test(character) ? 2 : 1;
	}

	function shortened(text, width) {
		let room = Math.floor(width / characterWidth);
		if (text.length * 2 <= room) {
			return text;
		}
		const characters = Array.from(text);
		let taken = 0;
		let count = 0;
		while (count < characters.length && taken + columns(characters[count]) <= room) {
			taken += columns(characters[count]);
			count += 1;
		}
		if (count === characters.length) {
			return text;
		}
		if (room < 3) {
			return "";
		}
		while (count > 0 && taken > room - 1) {
			count -= 1;
			taken -= columns(characters[count]);
		}
		return characters.slice(0, count).join("") + "…";
	}

	function measure() {
		// Measures a hundred characters, because one is rarely a whole number of pixels wide.
		details.textContent = "m".repeat(100);
		characterWidth = details.getComputedTextLength() / 100 || characterWidth;
		details.textContent = "";
	}

	function place(frame, width, top) {
		const above = frame.depth < zoomed.depth;
		const share = width / Math.max(zoomed.value, 1);
		const left = above ? 0 : (frame.start - zoomed.start) * share;
		const size = above ? width : frame.value * share;
		frame.visible = above ? contains(frame, zoomed) :
			contains(zoomed, frame) && (size >= thinnest || frame === zoomed);
		frame.element.classList.toggle("hidden", !frame.visible);
		frame.element.classList.toggle("above", above);
		if (!frame.visible) {
			return;
		}
		const y = top + (setting("rows") - 1 - frame.depth) * setting("row");
		const indent = setting("indent");
		frame.left = left;
		frame.box.setAttribute("x", (margin + left).toFixed(2));
		frame.box.setAttribute("y", y);
		frame.box.setAttribute("width", Math.max(size - 0.5, thinnest).toFixed(2));
		frame.label.setAttribute("x", (margin + left + indent).toFixed(2));
		frame.label.setAttribute("y", y + setting("row") - 6);
		frame.label.textContent = shortened(frame.name, size - 2 * indent);
	}

	function layout() {
		const full = document.documentElement.clientWidth || window.innerWidth;
		const isNarrow = full < narrow;
		const top = setting("header") + (isNarrow ? 34 : 0);
		isSmall = full < small;
		const bottom = top + setting("rows") * setting("row");
		const height = bottom + setting("footer");
		svg.setAttribute("height", height);
		for (const frame of frames) {
			place(frame, full - 2 * margin, top);
		}
		document.getElementById("header-background").setAttribute("height", top - 4);
		legend.setAttribute("transform", `translate(0 ${isNarrow ? 34 : 0})`);
		panel.setAttribute("x", isNarrow ? margin : Math.max(full - margin - 470, margin));
		panel.setAttribute("y", isNarrow ? 50 : 8);
		panel.setAttribute("width", isNarrow ? full - 2 * margin : 470);
		details.setAttribute("y", top - 10);
		const room = isNarrow ? full - 2 * margin : full - 2 * margin - 480;
		title.textContent = shortened(titleText, room * characterWidth / 10.6);
		subtitle.textContent = shortened(subtitleText, room * characterWidth / 8.2);
		controls.classList.toggle("small", isSmall);
		reset.textContent = isSmall ? "Reset" : "Reset zoom";
		showMatched();
		describe();
	}

	function describe(frame) {
		const shown = frame || (zoomed !== root ? zoomed : null);
		const full = document.documentElement.clientWidth || window.innerWidth;
		details.textContent = shown ? shortened(shown.words, full - 2 * margin) : "";
	}

	function zoom(frame) {
		zoomed = frame;
		reset.disabled = frame === root;
		focusOn(frame, false);
		layout();
	}

	// Search.

	function expression(text) {
		const flags = text === text.toLowerCase() ? "i" : "";
		try {
			return new RegExp(text, flags);
		} catch (error) {
			return new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), flags);
		}
	}

	function search(text) {
		const wanted = text === "" ? null : expression(text);
		for (const frame of frames) {
			frame.found = wanted !== null && wanted.test(frame.name);
			frame.element.classList.toggle("found", frame.found);
		}
		clear.disabled = text === "";
		showMatched();
	}

	function showMatched() {
		if (field.value === "") {
			matched.textContent = "";
			return;
		}
		// A matching function may have called another one: count its events once.
		const hits = frames.filter((frame) => frame.found && contains(zoomed, frame));
		hits.sort((one, other) => one.start - other.start || other.value - one.value);
		let end = -1;
		let sum = 0;
		for (const frame of hits) {
			if (frame.start >= end) {
				sum += frame.value;
				end = endOf(frame);
			}
		}
		if (frames.some((frame) => frame.found && frame.depth < zoomed.depth &&
				contains(frame, zoomed))) {
			sum = zoomed.value;
		}
		const percent = `${(100 * sum / Math.max(zoomed.value, 1)).toFixed(1)}%`;
		matched.textContent = isSmall ? percent : `Matched: ${percent}`;
	}

	// Keyboard.

	function focusOn(frame, move) {
		current.element.setAttribute("tabindex", "-1");
		current = frame;
		frame.element.setAttribute("tabindex", "0");
		if (move) {
			frame.element.focus();
		}
	}

	function neighbour(key) {
		const near = frames.filter((frame) => frame.visible);
		if (key === "ArrowUp") {
			return near.filter((frame) => frame.depth === current.depth + 1 && contains(current, frame))
				.sort((one, other) => other.value - one.value || one.left - other.left)[0];
		}
		if (key === "ArrowDown") {
			return near.find((frame) => frame.depth === current.depth - 1 && contains(frame, current));
		}
		const row = near.filter((frame) => frame.depth === current.depth)
			.sort((one, other) => one.left - other.left);
		return row[row.indexOf(current) + (key === "ArrowLeft" ? -1 : 1)];
	}

	function frameKey(event) {
		if (event.key === "Enter" || event.key === " ") {
			zoom(current);
		} else if (/^Arrow/.test(event.key)) {
			const next = neighbour(event.key);
			if (next) {
				focusOn(next, true);
			}
		} else {
			return;
		}
		event.preventDefault();
	}

	function anyKey(event) {
		if ((event.ctrlKey || event.metaKey) && event.key === "f" && document.activeElement !== field) {
			field.focus();
			field.select();
			event.preventDefault();
		} else if (event.key === "Escape") {
			if (field.value !== "") {
				clearSearch();
			} else {
				zoom(root);
			}
		}
	}

	// Controls. The script adds them, since a picture without a script has no use for them.

	function make(name, properties, words) {
		const element = document.createElementNS("http://www.w3.org/1999/xhtml", name);
		for (const [property, value] of Object.entries(properties)) {
			element.setAttribute(property, value);
		}
		element.textContent = words || "";
		return element;
	}

	function clearSearch() {
		field.value = "";
		search("");
	}

	const titleText = title.textContent;
	const subtitleText = subtitle.textContent;
	const panel = document.createElementNS("http://www.w3.org/2000/svg", "foreignObject");
	const controls = make("div", {id: "controls"});
	const matched = make("span", {class: "matched", role: "status"});
	const field = make("input", {type: "text", placeholder: "Search (Ctrl-F)", spellcheck: "false",
		autocomplete: "off", "aria-label": "Search for functions, by a regular expression"});
	const clear = make("button", {type: "button", class: "clear"}, "Clear");
	const reset = make("button", {type: "button", class: "reset"}, "Reset zoom");
	const go = make("button", {type: "button", class: "search"}, "Search");
	controls.append(matched, field, go, clear, reset);
	panel.setAttribute("height", 32);
	panel.append(controls);
	header.append(panel);
	clear.disabled = reset.disabled = true;

	field.addEventListener("input", () => search(field.value));
	go.addEventListener("click", function () {
		search(field.value);
		field.focus();
	});
	clear.addEventListener("click", clearSearch);
	reset.addEventListener("click", () => zoom(root));
	window.addEventListener("keydown", anyKey);
	window.addEventListener("resize", layout);
	window.addEventListener("scroll", () =>
		header.setAttribute("transform", `translate(0 ${window.scrollY})`));

	const group = document.getElementById("frames");
	const at = (event) => frameOf.get(event.target.closest(".frame"));
	group.addEventListener("click", (event) => zoom(at(event)));
	group.addEventListener("keydown", frameKey);
	group.addEventListener("mouseover", (event) => describe(at(event)));
	group.addEventListener("mouseout", () => describe());
	group.addEventListener("focusin", (event) => describe(at(event)));
	group.addEventListener("focusout", () => describe());
	for (const frame of frames) {
		frame.element.setAttribute("role", "button");
		frame.element.setAttribute("aria-label", frame.words);
	}
	focusOn(root, false);

	svg.removeAttribute("viewBox");
	svg.setAttribute("width", "100%");
	measure();
	layout();
	// The outermost functions are at the bottom.
	window.scrollTo(0, document.documentElement.scrollHeight);
}());
