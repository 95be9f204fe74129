/**
 * What runs in the page: charts where there is a script to draw them, and whatever is more convenient with one.
 */
document.documentElement.classList.add('scripted')
