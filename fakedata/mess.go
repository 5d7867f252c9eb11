package fakedata

// maxMess is the largest rate of defects.
const maxMess = 0.5

